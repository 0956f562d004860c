/**
 * Version of the contract between the runtime and push applications, as semver has it: the major number changes when an
 * application that kept to the contract may no longer work. A manifest says a range of it (`"contract": "^1.0.0"`).
 */
export const CONTRACT_VERSION = '1.0.0';
