"""How long things take on this machine, against its own ceilings; imported by `ttrec bench` alone."""
