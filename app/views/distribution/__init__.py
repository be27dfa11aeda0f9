"""发放: who is given what, how far it went, and the wizard that begins one."""
