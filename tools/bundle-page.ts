/** The dashboard's page as one script and one style; started as a program it prints both as JSON. */
import { join, resolve } from "node:path";
import { build } from "esbuild";
import type { PageCode } from "../cli/dashboard/page";

const view = join(resolve(__dirname, ".."), "cli/dashboard/view");

export async function bundlePage(): Promise<PageCode> {
  const { outputFiles } = await build({
    entryPoints: [join(view, "main.tsx"), join(view, "style.css")],
    outdir: view,
    tsconfig: join(view, "tsconfig.json"),
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["chrome111", "firefox113", "safari16.4"],
    legalComments: "none",
    logLevel: "warning",
  });
  const text = (kind: string) => outputFiles.find(({ path }) => path.endsWith(kind))?.text.trim() ?? "";
  // In a page, a script ends at the first such tag.
  return { script: text(".js").replaceAll("</script", "<\\/script"), style: text(".css") };
}

if (require.main === module)
  void bundlePage().then(
    (code) => console.log(JSON.stringify(code)),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    },
  );
