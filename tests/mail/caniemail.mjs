// What mail programs make of the features that a mail uses: from {name: HTML} on standard input to a list of
// [feature, "dropped" or "partly", program] on standard output.
import { readFileSync } from "node:fs";
import { caniemail } from "caniemail";

const clients = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*", "samsung-email.*"];
const told = [];
for (const html of Object.values(JSON.parse(readFileSync(0, "utf-8")))) {
  const { issues } = caniemail({ clients, html });
  for (const [how, found] of [["dropped", issues.errors], ["partly", issues.warnings]]) {
    for (const [client, features] of found) {
      for (const { title } of features) told.push([title, how, client.split(".")[0]]);
    }
  }
}
process.stdout.write(JSON.stringify(told));
