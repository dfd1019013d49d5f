"""The networks written anew in PyTorch, and the work that is measured of them. Importing its modules needs PyTorch."""
