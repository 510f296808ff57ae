import { resolve } from "node:path";

/** The project's root. */
export const project = resolve(__dirname, "../..");
