"""From checked data to a fitted network: the stations of `fit`."""
