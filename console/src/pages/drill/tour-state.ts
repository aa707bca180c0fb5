// SPDX-License-Identifier: BSD-2-Clause
// Where the tour stands; undefined: it is not taken. Apart from its bar, which is fetched only when it is.
import { createStore, useStore } from "../../store";

const tour = createStore<number | undefined>(undefined);
export const useTour = () => useStore(tour);
export const tourStep = (step: number | undefined) => tour.set(step);
