/** Written files in the form that `npm run format` would give them. */
import { format } from "oxfmt";
import { printWidth } from "../../.oxfmtrc.json";

/** @param file its ending says which language the text is in */
export async function formatted(file: string, text: string): Promise<string> {
  const { code, errors } = await format(file, text, { printWidth });
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join("; ")}`);
  return code;
}
