/*
 * db_op_sql.c: SQL about the columns of op.  db_ops.c says what a block is.
 */
#include "replay/db_impl.h"

static const char *const column[] = {
#define OP_VALUE(name, number)	   #name,
#define OP_KNOWN(name, is, number) #name,
#include "replay/op_column.def"
};

/* What is said once, what of each column, @ being its name, and the rest. */
struct statement {
	const char *st_head, *st_each, *st_tail;
};

/*
 * A block is longer than a row WITHOUT ROWID may be in one page.
 *
 * The CAST around it all in the view gives a comparison with text what a column
 * of type INTEGER gives it.
 */
static const struct statement statements[] = {
	[DB_OP_TABLE] = { "CREATE TABLE op_block("
			  "run INTEGER NOT NULL"
			  " REFERENCES run(id) ON DELETE CASCADE,"
			  "n INTEGER NOT NULL",
	    ",@ INTEGER,@_at INTEGER NOT NULL,@_width INTEGER NOT NULL",
	    ",rows TEXT NOT NULL,UNIQUE(run, n)) STRICT;" },
	[DB_OP_INSERT] = { "INSERT INTO op_block VALUES(?,?", ",?,?,?", ",?)" },
	[DB_OP_SELECT] = { "SELECT run,n", ",@", " FROM op ORDER BY run,n" },
	[DB_OP_VIEW] = { "CREATE VIEW IF NOT EXISTS op AS"
			 " SELECT *, issued_ns + latency_ns AS completed_ns"
			 " FROM (SELECT b.run AS run,"
			 " CAST(b.n + r.key AS INTEGER) AS n",
	    ", CAST(CASE b.@_width WHEN 0 THEN b.@ ELSE b.@ +"
	    " CAST(substr(r.value, b.@_at, b.@_width) AS INTEGER)"
	    " END AS INTEGER) AS @",
	    " FROM op_block AS b, json_each(b.rows) AS r);" },
};

char *
db_op_sql(enum db_op_sql what)
{
	const struct statement *const st = &statements[what];
	sqlite3_str *const sql = sqlite3_str_new(NULL);

	sqlite3_str_appendall(sql, st->st_head);
	for (size_t i = 0; i < nitems(column); i++)
		for (const char *p = st->st_each; *p != '\0'; p++)
			if (*p == '@')
				sqlite3_str_appendall(sql, column[i]);
			else
				sqlite3_str_appendchar(sql, 1, *p);
	sqlite3_str_appendall(sql, st->st_tail);
	return sqlite3_str_finish(sql);
}
