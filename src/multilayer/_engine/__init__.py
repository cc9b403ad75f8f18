"""The compiled engine: one program trains one network, or many, for any number of steps."""
