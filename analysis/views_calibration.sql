
-- Views of table calibration.
