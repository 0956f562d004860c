export function coverage(): { table: string; written: string; covered: Set<string>; ids: string[] };
