"""Model files: how a model becomes bytes on a disk, and back."""
