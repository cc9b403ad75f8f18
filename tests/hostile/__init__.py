"""Files that mean harm, and files that were damaged: none of them does any."""
