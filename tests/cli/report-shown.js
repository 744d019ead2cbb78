"use strict";

/*
 * What is shown of a page of uvn report, looked at from within: one line a
 * finding, into <pre id="found">.  "bad ..." is what must not be; the other
 * lines are for the test to compare.  Runs behind the page's own script.
 */
(function () {
	const found = [];
	const say = (line) => found.push(line.replace(/\s+/g, " "));
	const bad = (line) => say("bad " + line);
	const all = (where, what) => Array.from(where.querySelectorAll(what));
	const name = (e) => e.tagName.toLowerCase() +
	    (e.id ? "#" + e.id : "") + (e.className && e.className.baseVal ===
	    undefined ? "." + e.className : "");

	function box(e) {
		return e.getBoundingClientRect();
	}

	function inside(a, b) {
		return a.left >= b.left - 1 && a.right <= b.right + 1 &&
		    a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
	}

	/* ---- pictures ---- */

	function inked(e) {
		const style = getComputedStyle(e), b = box(e);

		return (b.width > 0 || b.height > 0) &&
		    style.visibility === "visible" &&
		    ((style.stroke !== "none" && style.strokeWidth !== "0px") ||
		    style.fill !== "none");
	}

	function references(svg) {
		const names = all(svg, "[href]").map((e) =>
		    e.getAttribute("href"));

		all(svg, "*").forEach((e) => {
			for (const a of e.attributes)
				for (const m of a.value.matchAll(
				    /url\((#[^)]*)\)/g))
					names.push(m[1]);
		});
		return names;
	}

	function lookAtPicture(figure) {
		const svg = figure.querySelector("svg");

		if (svg === null) {
			bad(figure.id + ": no picture");
			return;
		}
		const b = box(svg);
		/* Frames, tics and curves. */
		const strokes = all(svg, "path").filter((e) =>
		    !e.closest("defs") && inked(e));
		const texts = all(svg, "text").filter((t) =>
		    t.textContent.trim() !== "");

		if (b.width < 200 || b.height < 150)
			bad(`${figure.id}: ${b.width} x ${b.height}`);
		if (b.left < 0 || b.right > innerWidth)
			bad(`${figure.id}: outside the page`);
		if (strokes.length < 5)
			bad(`${figure.id}: ${strokes.length} strokes`);
		if (texts.length < 5)
			bad(`${figure.id}: ${texts.length} texts`);
		texts.forEach((t) => {
			if (!inked(t) || !inside(box(t), b))
				bad(`${figure.id}: '${t.textContent}' is not seen`);
		});
		references(svg).forEach((ref) => {
			if (svg.querySelector("#" +
			    CSS.escape(ref.slice(1))) === null)
				bad(`${figure.id}: ${ref} is not in it`);
		});
		if (!svg.getAttribute("aria-label"))
			bad(`${figure.id}: no words for it`);
		if (figure.querySelector("figcaption").textContent.length < 10)
			bad(`${figure.id}: no caption`);
		if (figure.querySelectorAll("details table tbody tr").length ===
		    0)
			bad(`${figure.id}: no data`);
		if (!figure.querySelector("pre.command").textContent.includes(
		    "SELECT"))
			bad(`${figure.id}: no SELECT`);
		say("picture " + figure.id);
	}

	/* ---- tables ---- */

	function shown(table, column) {
		return Array.from(table.tBodies[0].rows, (r) =>
		    r.cells[column].textContent);
	}

	/* Numbers, and tunables: 1,234.5, 1/4, 16K, inf. */
	const isNumber = (t) =>
	    /^(-?[0-9,]*\.?[0-9]+(e[-+]?[0-9]+)?|[0-9]+\/[0-9]+|[0-9]+K|inf)$/
	    .test(t);

	function value(text) {
		const part = text.split("/");

		if (text === "inf")
			return Infinity;
		if (text.endsWith("K"))
			return 1024 * parseInt(text, 10);
		return Number(part[0].replace(/,/g, "")) / Number(part[1] ?? 1);
	}

	/* Are those with a value in order, and those without at the end? */
	function ordered(texts, way) {
		const full = texts.filter((t) => t !== "");

		if (texts.slice(0, full.length).includes(""))
			return false;
		return full.every((t, i) => i === 0 ||
		    value(t) === value(full[i - 1]) ||
		    way * (value(t) - value(full[i - 1])) > 0);
	}

	function sortBy(table, column, label) {
		const head = table.tHead.rows[0].cells[column];
		const button = head.querySelector("button");
		const before = shown(table, column).sort().join();
		let moved = false;

		if (button === null) {
			bad(label + ": no button");
			return false;
		}
		for (const [way, word] of [[1, "ascending"],
		    [-1, "descending"]]) {
			const rows = Array.from(table.tBodies[0].rows);

			button.click();
			const texts = shown(table, column);
			if (head.getAttribute("aria-sort") !== word)
				bad(`${label}: is not called ${word}`);
			if (texts.slice().sort().join() !== before)
				bad(`${label}: other rows after sorting`);
			if (texts.every((t) => t === "" || isNumber(t)) &&
			    !ordered(texts, way))
				bad(`${label}: not ${word}: ${texts.slice(0, 20).join(" ")}`);
			moved = moved || rows.some((r, i) =>
			    r !== table.tBodies[0].rows[i]);
		}
		return moved;
	}

	function lookAtTable(table) {
		const label = table.parentElement.getAttribute("aria-label");
		let moved = 0;

		Array.from(table.tHead.rows[0].cells).forEach((h, i) => {
			if (h.scope !== "col" || h.textContent === "")
				bad(`${label}: column ${i} has no head`);
			if (sortBy(table, i, `${label}, ${h.textContent}`))
				moved++;
		});
		if (table.tBodies[0].rows.length > 3 && moved === 0)
			bad(label + ": no column moves a row");
		say(`table ${label}: ${moved > 0 ? "sorts" : "stays"}`);
	}

	/* ---- the page ---- */

	function lookAtWidth() {
		const page = document.documentElement;

		say(`width ${innerWidth}`);
		if (page.scrollWidth > page.clientWidth)
			bad(`the page is ${page.scrollWidth} wide`);
		all(document.body, "*").forEach((e) => {
			const b = box(e);

			/* Boxes scroll, and pictures were looked at. */
			if (e.closest("svg") || e.parentElement.closest(".box"))
				return;
			if (b.width > 0 && (b.left < 0 ||
			    b.right > innerWidth + 0.5))
				bad(`${name(e)}: from ${b.left} to ${b.right}`);
		});
	}

	function lookAtNames() {
		const ids = all(document, "[id]").map((e) => e.id);

		ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) =>
		    bad("twice on the page: " + id));
		all(document, "a[href^='#']").forEach((a) => {
			if (!ids.includes(a.getAttribute("href").slice(1)))
				bad("leads nowhere: " + a.getAttribute("href"));
		});
		all(document, "[src], link, iframe, object, embed, form, base")
		    .forEach((e) => bad("refers outside: " + name(e)));
		all(document, "[href]").forEach((e) => {
			if (!/^(#|data:text\/csv;base64,)/.test(
			    e.getAttribute("href")))
				bad("refers outside: " + e.outerHTML);
		});
	}

	/* What the test compares with the database. */
	function sayCells(label, what) {
		const table = document.querySelector(
		    `.box[aria-label="${label}"] > table`);

		if (table === null) {
			bad("no table " + label);
			return;
		}
		const heads = Array.from(table.tHead.rows[0].cells,
		    (h) => h.textContent);

		Array.from(table.tBodies[0].rows).forEach((r) =>
		    heads.forEach((h, i) => {
			if (i > 0 && r.cells[i].textContent !== "")
				say(`${what} ${r.cells[0].textContent} ` +
				    `${h} = ${r.cells[i].textContent}`);
		}));
	}

	function look() {
		all(document, "details").forEach((d) => {
			d.querySelector("summary").click();
			if (!d.open)
				bad("stays closed: " + d.textContent.slice(0, 40));
		});
		lookAtWidth();
		lookAtNames();
		all(document, "figure").forEach(lookAtPicture);
		all(document, ".box > table").forEach(lookAtTable);
		sayCells("All counters", "counter");
		sayCells("Key counters", "measure");
		sayCells("Runs", "run");
		sayCells("Cells of sweep 1", "cell");
		all(document, "pre.command").forEach((p) => {
			if (!p.querySelector("button.copy"))
				bad("no copy button: " + p.textContent);
			say("command " + p.firstChild.data);
		});
		say(`scripts ${all(document, "script").length}`);
		for (const trouble of window.trouble)
			say(trouble);
	}

	addEventListener("load", () => {
		try {
			look();
		} catch (e) {
			bad("the test itself: " + e.stack);
		}
		const pre = document.createElement("pre");

		pre.id = "found";
		pre.textContent = "\n" + found.join("\n") + "\n";
		/* A frame says it in the page that it is in. */
		(frameElement === null ? document : parent.document)
		    .body.append(pre);
	});
})();
