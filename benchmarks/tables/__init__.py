"""Default settings on tables of mixed columns: multilayer against other libraries."""
