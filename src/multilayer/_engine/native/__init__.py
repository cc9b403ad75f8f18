"""The native engine: training on the CPU in compiled C++."""
