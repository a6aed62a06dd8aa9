// The reference compiler: from {name: MJML} on standard input to {name: {html, faults}} on standard output.
import { readFileSync } from "node:fs";
import mjml2html from "mjml";

const made = {};
for (const [name, mjml] of Object.entries(JSON.parse(readFileSync(0, "utf-8")))) {
  const { html, errors } = await mjml2html(mjml, { validationLevel: "soft", fonts: {}, keepComments: true });
  made[name] = { html, faults: errors.map((error) => `line ${error.line}: ${error.tagName}: ${error.message}`) };
}
process.stdout.write(JSON.stringify(made));
