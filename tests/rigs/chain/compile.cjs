// Compiles contracts/*.sol and writes {NAME: {abi, bytecode, runtime}} to the file named as first argument.
"use strict";
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const folder = path.join(__dirname, "contracts");
const sources = {};
for (const file of fs.readdirSync(folder).filter((name) => name.endsWith(".sol"))) {
  sources[file] = { content: fs.readFileSync(path.join(folder, file), "utf8") };
}
const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: "Solidity",
      sources,
      settings: {
        optimizer: { enabled: true, runs: 200 },
        outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
      },
    }),
  ),
);
const errors = (output.errors || []).filter((entry) => entry.severity === "error");
if (errors.length) {
  console.error(errors.map((entry) => entry.formattedMessage).join("\n"));
  process.exit(1);
}
const compiled = {};
for (const contracts of Object.values(output.contracts)) {
  for (const [name, contract] of Object.entries(contracts)) {
    compiled[name] = {
      abi: contract.abi,
      bytecode: "0x" + contract.evm.bytecode.object,
      runtime: "0x" + contract.evm.deployedBytecode.object,
    };
  }
}
fs.mkdirSync(path.dirname(process.argv[2]), { recursive: true });
fs.writeFileSync(process.argv[2], JSON.stringify(compiled));
