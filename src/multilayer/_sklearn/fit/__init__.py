"""From checked data to a fitted network: the stages of `fit`."""
