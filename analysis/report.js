"use strict";

/* What the page can do beyond being read: sort tables, copy commands. */
(function () {
	const text = new Intl.Collator("en", { numeric: true });

	/* What a cell is sorted by; null for one without a value. */
	function key(row, column) {
		const cell = row.cells[column];

		if (cell.dataset.v !== undefined)
			return Number(cell.dataset.v.replace("inf",
			    "Infinity"));
		return cell.textContent === "" ? null : cell.textContent;
	}

	function compare(a, b) {
		if (typeof a === "number" && typeof b === "number")
			return a < b ? -1 : a > b ? 1 : 0;
		return text.compare(a, b);
	}

	/* Rows without a value stay at the end, whichever way. */
	function sort(table, column, way) {
		const body = table.tBodies[0];
		const rows = Array.from(body.rows, (row) => ({
			row, key: key(row, column) }));

		rows.sort((a, b) => a.key === null || b.key === null ?
		    (a.key === null) - (b.key === null) :
		    way * compare(a.key, b.key));
		body.append(...rows.map((r) => r.row));
	}

	function makeSortable(table) {
		const heads = Array.from(table.tHead.rows[0].cells);

		heads.forEach((head, column) => {
			const button = document.createElement("button");

			button.type = "button";
			button.append(...head.childNodes);
			head.append(button);
			button.addEventListener("click", () => {
				const up = head.getAttribute("aria-sort") !==
				    "ascending";

				heads.forEach((h) =>
				    h.removeAttribute("aria-sort"));
				head.setAttribute("aria-sort",
				    up ? "ascending" : "descending");
				sort(table, column, up ? 1 : -1);
			});
		});
	}

	function makeCopyable(pre) {
		const command = pre.textContent;
		const button = document.createElement("button");

		button.type = "button";
		button.className = "copy";
		button.textContent = "Copy";
		button.addEventListener("click", () => {
			navigator.clipboard.writeText(command).then(() => {
				button.textContent = "Copied";
				setTimeout(() => button.textContent = "Copy",
				    1500);
			}, () => {
				/* What is selected can be copied by hand. */
				getSelection().selectAllChildren(pre);
			});
		});
		pre.classList.add("copyable");
		pre.append(button);
	}

	document.querySelectorAll(".box > table").forEach(makeSortable);
	if (navigator.clipboard)
		document.querySelectorAll("pre.command").forEach(makeCopyable);

	/* On paper nothing can be unfolded; figures' data are too long. */
	let opened = [];
	addEventListener("beforeprint", () => {
		opened = Array.from(document.querySelectorAll(
		    "details:not([open]):not(figure *)"));
		opened.forEach((d) => d.open = true);
	});
	addEventListener("afterprint", () =>
	    opened.forEach((d) => d.open = false));
})();
