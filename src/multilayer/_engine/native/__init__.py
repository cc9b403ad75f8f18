"""The engine for the CPU, in C++: what calls it from Python."""
