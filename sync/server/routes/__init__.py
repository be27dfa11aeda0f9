"""The typed, documented routes: for desktops, for the phone, for whoever watches the endpoint."""
