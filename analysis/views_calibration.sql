
-- Views of table calibration.

-- What uvn calibrate recommends for objects of so many pages: the break-even of
-- aged frames with warm caches, of ranges of which a quarter is resident, unless
-- those that are wholly resident break even above 1: docs/calibration.md says
-- why.
CREATE VIEW IF NOT EXISTS figure_calibration_advice
(session, pages, penalty, penalty_low, penalty_high, list_ns, lookup_ns,
    present, caches) AS
SELECT session, pages, break_even, break_even_low, break_even_high, list_ns,
    lookup_ns, present, caches
FROM calibration AS c
WHERE frames = 'aged' AND caches = 'warm'
    AND present = iif((SELECT break_even FROM calibration AS b
	WHERE b.session = c.session AND b.pages = c.pages
	    AND b.frames = 'aged' AND b.present = 'present'
	    AND b.caches = 'warm') > 1, 'present', 'quarter');

-- Figure 11: what a step along the list costs with each order of frames, and a
-- lookup with aged ones; and the penalty at which both methods cost the same.
-- Of ranges of which a quarter is resident, with warm caches.
CREATE VIEW IF NOT EXISTS figure_11_calibration
(session, curve, pages, ns, ns_low, ns_high, break_even, break_even_low,
    break_even_high) AS
SELECT session, 'list, ' || frames, pages, list_ns, list_low, list_high,
    break_even, break_even_low, break_even_high
FROM calibration
WHERE present = 'quarter' AND caches = 'warm'
UNION ALL
SELECT session, 'lookup, aged', pages, lookup_ns, lookup_low, lookup_high,
    NULL, NULL, NULL
FROM calibration
WHERE present = 'quarter' AND frames = 'aged' AND caches = 'warm';
