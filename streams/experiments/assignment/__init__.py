"""Who gets which arm: a function of salted hashes, the same in every process."""
