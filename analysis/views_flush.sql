
-- Views of the flush laboratory: tables flush and flush_total.
