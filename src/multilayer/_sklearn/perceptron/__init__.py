"""The perceptron: its rule, its training and the estimator."""
