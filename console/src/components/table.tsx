// SPDX-License-Identifier: BSD-2-Clause
// Tables: real ones for screen readers, sorting by buttons in the heads, paging below. On narrow screens each row
// becomes a card whose cells carry their column's name.
import { useMemo, useState, type ReactNode } from "react";
import { common } from "../i18n/common";
import { useTexts } from "../i18n";
import { Button } from "./basic";

export interface Column<T> {
	id: string;
	head: string;
	cell: (row: T) => ReactNode;
	/** What rows are ordered by; without it the column cannot be sorted. */
	sort?: (row: T) => number | string;
	/** Figures: to the right. */
	number?: boolean;
	/** Sentences: below their column's name where the screen is narrow. */
	prose?: boolean;
	/** Names the row: its head cell. */
	main?: boolean;
}

interface Order { id: string; down: boolean }

function compare(a: number | string, b: number | string): number {
	return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
}

export function Table<T>({ label, rows, columns, rowKey, order: first, empty, onRow }: {
	label: string; rows: readonly T[]; columns: readonly Column<T>[]; rowKey: (row: T) => string | number;
	order?: Order; empty?: ReactNode; onRow?: (row: T) => string }) {
	const t = useTexts(common);
	const [order, setOrder] = useState<Order | undefined>(first);
	const sorted = useMemo(() => {
		const sort = columns.find(({ id }) => id === order?.id)?.sort;
		if (!order || !sort)
			return rows;
		return [...rows].sort((a, b) => compare(sort(a), sort(b)) * (order.down ? -1 : 1));
	}, [rows, columns, order]);
	if (rows.length === 0 && empty)
		return <>{empty}</>;
	return <div className="table-wrap"><table className="table" aria-label={label}>
		<thead><tr>{columns.map((column) => {
			const now = order?.id === column.id ? order : undefined;
			return <th key={column.id} scope="col" className={column.number ? "number" : undefined}
				aria-sort={column.sort ? now ? now.down ? "descending" : "ascending" : "none" : undefined}>
				{column.sort ? <button type="button" className="sort" title={t("sortBy", { column: column.head })}
					onClick={() => setOrder({ id: column.id, down: now ? !now.down : !!column.number })}>
					{column.head}<span aria-hidden="true" className={`arrow${now ? "" : " idle"}`}>{now ? now.down ? "↓" : "↑" : "↕"}</span></button> : column.head}
			</th>;
		})}</tr></thead>
		<tbody>{sorted.map((row) => <tr key={rowKey(row)}>{columns.map((column) => {
			const body = column.main && onRow ? <a href={onRow(row)}>{column.cell(row)}</a> : column.cell(row);
			return column.main ? <th key={column.id} scope="row" data-head={column.head}>{body}</th>
				: <td key={column.id} data-head={column.head} className={column.number ? "number" : column.prose ? "prose" : undefined}>{body}</td>;
		})}</tr>)}</tbody>
	</table></div>;
}

export function Paging({ page, pageSize, total, setPage }: {
	page: number; pageSize: number; total: number; setPage: (page: number) => void }) {
	const t = useTexts(common);
	const pages = Math.max(1, Math.ceil(total / pageSize));
	if (pages === 1)
		return <p className="paging quiet">{t("entries", { n: total })}</p>;
	return <nav className="paging" aria-label={t("pageOf", { page, pages })}>
		<Button onPress={() => setPage(page - 1)} isDisabled={page <= 1}>{t("previous")}</Button>
		<span aria-current="page">{t("pageOf", { page, pages })} · {t("entries", { n: total })}</span>
		<Button onPress={() => setPage(page + 1)} isDisabled={page >= pages}>{t("next")}</Button>
	</nav>;
}
