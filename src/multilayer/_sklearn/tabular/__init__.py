"""Raw tables for networks: the roles of columns, and the encoder fitted on them."""
