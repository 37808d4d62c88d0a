// Compiles contracts/*.sol and writes {NAME: {abi, bytecode, runtime}} to the file named as first argument.
//
// What they import of Uniswap's periphery is changed on the way to fit PancakeSwap's pools, as PancakeSwap itself did:
// the callbacks' names, the hash of the pools' creation code, the width of slot0's fee field.
"use strict";
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const TO_PANCAKESWAP = [
  ["uniswapV3MintCallback", "pancakeV3MintCallback"],
  ["uint8 feeProtocol", "uint32 feeProtocol"],
  [
    "0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54",
    "0x6ce8eb472fa82df5469c6ab6d485f17c3ad13c8cd7af59b3d4a8026c5ce0f7e2",
  ],
];

function readImport(name) {
  const text = fs.readFileSync(path.join(__dirname, "node_modules", name), "utf8");
  return { contents: TO_PANCAKESWAP.reduce((changed, [from, to]) => changed.split(from).join(to), text) };
}

const folder = path.join(__dirname, "contracts");
const sources = {};
for (const file of fs.readdirSync(folder).filter((name) => name.endsWith(".sol"))) {
  sources[file] = { content: fs.readFileSync(path.join(folder, file), "utf8") };
}
const settings = {
  optimizer: { enabled: true, runs: 200 },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};
const input = JSON.stringify({ language: "Solidity", sources, settings });
const output = JSON.parse(solc.compile(input, { import: readImport }));
const errors = (output.errors || []).filter((entry) => entry.severity === "error");
if (errors.length) {
  console.error(errors.map((entry) => entry.formattedMessage).join("\n"));
  process.exit(1);
}
const compiled = {};
for (const file of Object.keys(sources)) {
  for (const [name, contract] of Object.entries(output.contracts[file])) {
    compiled[name] = {
      abi: contract.abi,
      bytecode: "0x" + contract.evm.bytecode.object,
      runtime: "0x" + contract.evm.deployedBytecode.object,
    };
  }
}
fs.mkdirSync(path.dirname(process.argv[2]), { recursive: true });
fs.writeFileSync(process.argv[2], JSON.stringify(compiled));
