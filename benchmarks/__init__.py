"""Speed and memory beside plain implementations, in one run on one machine: `make bench`."""
