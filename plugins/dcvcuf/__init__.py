"""DCVC-UF: ultra-fast neural video compression."""
