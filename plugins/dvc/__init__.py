"""DVC: deep video compression with coded motion and residual."""
