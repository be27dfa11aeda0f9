"""The wire between desktop and endpoint, and the endpoint itself; never imports the desktop."""
