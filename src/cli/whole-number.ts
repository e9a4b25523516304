import { InvalidArgumentError } from 'commander';

/** A reader for an option that takes a whole number from 1 to `most`; anything else is a usage error. */
export const wholeNumber = (most: number) => (given: string): number => {
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1 || number > most) throw new InvalidArgumentError(`it must be a whole number from 1 to ${most.toLocaleString('en')}.`);
  return number;
};
