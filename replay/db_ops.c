/*
 * db_ops.c: the rows of view op, many of them to a row of table op_block.
 *
 * To SQLite a row is dear and a column not cheap, whatever is in it.  So a
 * block has for each column the lowest value of its rows and, if they differ,
 * what each has above it: in decimal, which SQL can read, with as many digits
 * as the largest needs.  The digits of a row's columns are one text, and an
 * array in JSON has those of all rows, as json_each() takes them apart:
 *
 *	value = low + CAST(substr(row, at, width) AS INTEGER)
 *
 * A block ends when it fills a page; and with the last row of its shape, so
 * that a column is NULL in all of its rows or in none, and no difference
 * exceeds an integer of SQLite.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/db_impl.h"

/* A page of 4096 bytes has 4061 for a row; all but the array takes 220. */
#define ROOM	 3840
#define ROWS_MAX 512

#define OP_VALUE(name, number)	   OP_COLUMN_##name,
#define OP_KNOWN(name, is, number) OP_COLUMN_##name,
enum op_column {
#include "replay/op_column.def"
	OP_NCOLUMNS
};

static_assert(2 * OP_NCOLUMNS <= 32, "two bits of a shape for each column");

/* A row.  Bit i of its shape says that column i is NULL, and 0 here; bit
 * OP_NCOLUMNS + i that it is negative. */
struct values {
	uint32_t vl_shape;
	int64_t vl_of[OP_NCOLUMNS];
};

/* What the columns of a block's rows have in common. */
struct extent {
	int64_t ex_low[OP_NCOLUMNS];
	uint8_t ex_width[OP_NCOLUMNS];
	uint64_t ex_span[OP_NCOLUMNS]; /* the most of so many digits */
	size_t ex_size;		       /* digits of a row */
};

struct db_ops {
	struct db *do_db;
	sqlite3_stmt *do_insert;
	/* The block that is being filled. */
	int64_t do_run, do_n; /* of its first row */
	size_t do_count;
	struct extent do_extent;
	struct values do_row[ROWS_MAX];
	char do_array[ROOM];
};

static const char writing[] = "writing rows";

/* ---- what a row has ---- */

static inline int64_t
integer(uint64_t v)
{

	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static inline void
values_of_op(struct values *vl, const struct db_op *op)
{
	uint32_t shape = 0;

#define OP_KNOWN(name, is, number)                                             \
	vl->vl_of[OP_COLUMN_##name] = (is) ? integer(number) : 0;              \
	shape |= (is) ? 0 : 1U << OP_COLUMN_##name;
#define OP_VALUE(name, number) OP_KNOWN(name, true, number)
#include "replay/op_column.def"
	vl->vl_shape = shape;
}

/* The columns of st from the first on. */
static void
values_of_row(struct values *vl, sqlite3_stmt *st, int first)
{
	uint32_t shape = 0;

	for (int i = 0; i < OP_NCOLUMNS; i++) {
		vl->vl_of[i] = sqlite3_column_int64(st, first + i);
		if (sqlite3_column_type(st, first + i) == SQLITE_NULL)
			shape |= 1U << i;
		if (vl->vl_of[i] < 0)
			shape |= 1U << (OP_NCOLUMNS + i);
	}
	vl->vl_shape = shape;
}

/* ---- how many digits ---- */

static inline bool
above(const struct extent *ex, const struct values *vl, int column)
{

	return (uint64_t)vl->vl_of[column] - (uint64_t)ex->ex_low[column] >
	    ex->ex_span[column];
}

static inline bool
extent_holds(const struct extent *ex, const struct values *vl)
{
	bool out = false;

	for (int i = 0; i < OP_NCOLUMNS; i++)
		out |= above(ex, vl, i);
	return !out;
}

static void
extent_begin(struct extent *ex, const struct values *vl)
{

	*ex = (struct extent){ .ex_size = 0 };
	(void)memcpy(ex->ex_low, vl->vl_of, sizeof(ex->ex_low));
}

/* As many digits for a column as its values in n rows need. */
static void
extent_measure(struct extent *ex, int column, const struct values *vl, size_t n)
{
	int64_t low = vl[0].vl_of[column], high = low;
	uint64_t span = 0;
	uint8_t width = 0;

	for (size_t i = 1; i < n; i++) {
		const int64_t v = vl[i].vl_of[column];

		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	while ((uint64_t)high - (uint64_t)low > span) {
		span = 10 * span + 9;
		width++;
	}
	ex->ex_low[column] = low;
	ex->ex_span[column] = span;
	ex->ex_size += (size_t)width - ex->ex_width[column];
	ex->ex_width[column] = width;
}

/* ---- a block ---- */

/* What a row has in the array beside its digits: two quotes and a comma. */
#define ROW_REST 3

/* Is there room for n rows, and a bracket? */
static inline bool
room(const struct extent *ex, size_t n)
{

	return n * (ex->ex_size + ROW_REST) + 1 <= ROOM;
}

/* Its row do_count is there: is it to be of this block? */
static bool
block_takes(struct db_ops *ops)
{
	const size_t n = ops->do_count + 1;
	const struct values *const vl = &ops->do_row[ops->do_count];
	struct extent ex;

	if (vl->vl_shape != ops->do_row[0].vl_shape)
		return false;
	if (extent_holds(&ops->do_extent, vl))
		return room(&ops->do_extent, n);
	ex = ops->do_extent;
	for (int i = 0; i < OP_NCOLUMNS; i++)
		if (above(&ex, vl, i))
			extent_measure(&ex, i, ops->do_row, n);
	if (!room(&ex, n))
		return false;
	ops->do_extent = ex;
	return true;
}

/* The last width digits of v. */
static inline void
put_digits(char *to, unsigned width, uint64_t v)
{
	static const char pair[] = "00010203040506070809"
				   "10111213141516171819"
				   "20212223242526272829"
				   "30313233343536373839"
				   "40414243444546474849"
				   "50515253545556575859"
				   "60616263646566676869"
				   "70717273747576777879"
				   "80818283848586878889"
				   "90919293949596979899";

	for (; width >= 2; width -= 2, v /= 100)
		(void)memcpy(to + width - 2, &pair[v % 100 * 2], 2);
	if (width != 0)
		to[0] = (char)('0' + v % 10);
}

/* The digits column after column, as their width is the same in all rows.  =>
 * the array's length */
static size_t
block_array(struct db_ops *ops)
{
	const struct extent *const ex = &ops->do_extent;
	const size_t stride = ex->ex_size + ROW_REST;
	char *const row = ops->do_array + 1; /* the first */
	size_t at = 1;

	ops->do_array[0] = '[';
	for (size_t i = 0; i < ops->do_count; i++) {
		row[i * stride] = '"';
		row[(i + 1) * stride - 2] = '"';
		row[(i + 1) * stride - 1] = ',';
	}
	row[ops->do_count * stride - 1] = ']';
	for (int c = 0; c < OP_NCOLUMNS; c++) {
		const unsigned width = ex->ex_width[c];

		for (size_t i = 0; width != 0 && i < ops->do_count; i++)
			put_digits(&row[i * stride + at], width,
			    (uint64_t)ops->do_row[i].vl_of[c] -
				(uint64_t)ex->ex_low[c]);
		at += width;
	}
	return ops->do_count * stride + 1;
}

/* In the order of DB_OP_INSERT. */
static void
block_bind(struct db_ops *ops, size_t length)
{
	const struct extent *const ex = &ops->do_extent;
	sqlite3_stmt *const st = ops->do_insert;
	int at = 1, digit = 1;

	(void)sqlite3_bind_int64(st, at++, ops->do_run);
	(void)sqlite3_bind_int64(st, at++, ops->do_n);
	for (int i = 0; i < OP_NCOLUMNS; i++) {
		if ((ops->do_row[0].vl_shape >> i & 1) != 0)
			(void)sqlite3_bind_null(st, at++);
		else
			(void)sqlite3_bind_int64(st, at++, ex->ex_low[i]);
		(void)sqlite3_bind_int(st, at++, digit);
		(void)sqlite3_bind_int(st, at++, ex->ex_width[i]);
		digit += ex->ex_width[i];
	}
	(void)sqlite3_bind_text(st, at, ops->do_array, (int)length,
	    SQLITE_STATIC);
}

int
db_ops_rest(struct db_ops *ops, struct errmsg *em)
{
	int error;

	if (ops->do_count == 0)
		return 0;
	block_bind(ops, block_array(ops));
	error = db_step(ops->do_db, ops->do_insert, writing, em);
	ops->do_n += (int64_t)ops->do_count;
	ops->do_count = 0;
	return error;
}

/* Row do_count, which is there and the next of its run, becomes one of the
 * block. */
static int
block_add(struct db_ops *ops, struct errmsg *em)
{
	const size_t at = ops->do_count;
	int error = 0;

	if (at != 0 && !block_takes(ops)) {
		error = db_ops_rest(ops, em);
		ops->do_row[0] = ops->do_row[at];
	}
	if (ops->do_count == 0)
		extent_begin(&ops->do_extent, &ops->do_row[0]);
	if (++ops->do_count == ROWS_MAX && error == 0)
		error = db_ops_rest(ops, em);
	return error;
}

/* ---- rows ---- */

int
db_ops_open(struct db *db, int64_t run, struct db_ops **opsp, struct errmsg *em)
{
	struct db_ops *const ops = calloc(1, sizeof(*ops));
	int error;

	if (ops == NULL)
		return ERRMSG(em, ENOMEM, "%s: %s: out of memory", db->db_path,
		    writing);
	ops->do_db = db;
	ops->do_run = run;
	error = db_prepare_made(db, db_op_sql(DB_OP_INSERT), &ops->do_insert,
	    writing, em);
	if (error != 0) {
		db_ops_close(ops);
		return error;
	}
	*opsp = ops;
	return 0;
}

void
db_ops_close(struct db_ops *ops)
{

	if (ops == NULL)
		return;
	(void)sqlite3_finalize(ops->do_insert);
	free(ops);
}

int
db_ops_put(struct db_ops *ops, const struct db_op *op, struct errmsg *em)
{

	values_of_op(&ops->do_row[ops->do_count], op);
	return block_add(ops, em);
}

/* The row that st has come to, of table op. */
static int
move_row(struct db_ops *ops, sqlite3_stmt *st, struct errmsg *em)
{
	const int64_t run = sqlite3_column_int64(st, 0);
	const int64_t n = sqlite3_column_int64(st, 1);
	int error = 0;

	if (run != ops->do_run || n != ops->do_n + (int64_t)ops->do_count)
		error = db_ops_rest(ops, em);
	if (ops->do_count == 0) {
		ops->do_run = run;
		ops->do_n = n;
	}
	values_of_row(&ops->do_row[ops->do_count], st, 2);
	return error != 0 ? error : block_add(ops, em);
}

int
db_ops_move(struct db *db, struct errmsg *em)
{
	static const char reading[] = "reading table op";
	struct db_ops *ops = NULL;
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_DONE;
	int error = db_ops_open(db, 0, &ops, em);

	if (error == 0)
		error = db_prepare_made(db, db_op_sql(DB_OP_SELECT), &st,
		    reading, em);
	while (error == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW)
		error = move_row(ops, st, em);
	if (error == 0 && rc != SQLITE_DONE)
		error = db_error(db, em, reading);
	if (error == 0)
		error = db_ops_rest(ops, em);
	(void)sqlite3_finalize(st);
	db_ops_close(ops);
	return error;
}
