"""The system under failures: killed workers, zombies, a store that goes away."""
