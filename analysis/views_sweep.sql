
-- Views of sweeps: a row a run of a sweep, with what the axes say.
