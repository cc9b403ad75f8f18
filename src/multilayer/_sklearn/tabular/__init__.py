"""Raw tables as they come: their encoding, and ensembles of networks over folds of their rows."""
