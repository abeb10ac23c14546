/** Data types of Sparkplug B 3.0, section 6.4.16, by their numbers. */

/** The names in the order of their numbers, from 1. */
export const dataTypeNames = [
  "Int8",
  "Int16",
  "Int32",
  "Int64",
  "UInt8",
  "UInt16",
  "UInt32",
  "UInt64",
  "Float",
  "Double",
  "Boolean",
  "String",
  "DateTime",
  "Text",
  "UUID",
  "DataSet",
  "Bytes",
  "File",
  "Template",
  "PropertySet",
  "PropertySetList",
  "Int8Array",
  "Int16Array",
  "Int32Array",
  "Int64Array",
  "UInt8Array",
  "UInt16Array",
  "UInt32Array",
  "UInt64Array",
  "FloatArray",
  "DoubleArray",
  "BooleanArray",
  "StringArray",
  "DateTimeArray",
] as const;

/** What a metric's value is. */
export type DataType = (typeof dataTypeNames)[number];

/** The type of a number; undefined: a type that this version does not have, or 0 for unknown. */
export function dataTypeOf(number: number): DataType | undefined {
  return dataTypeNames[number - 1];
}

/** The number of a type. */
export function numberOfDataType(name: DataType): number {
  return dataTypeNames.indexOf(name) + 1;
}

/** Whole numbers: their bits, and whether the highest is a sign. */
interface IntegerShape {
  readonly bits: number;
  readonly isSigned: boolean;
}

/** The shape of a whole number's type, also where it stands in an array; undefined: not one. */
export function integerShape(name: DataType): IntegerShape | undefined {
  const [, unsigned, bits] = /^(U?)Int(8|16|32|64)(?:Array)?$/.exec(name) ?? [];
  return bits === undefined ? undefined : { bits: Number(bits), isSigned: unsigned === "" };
}
