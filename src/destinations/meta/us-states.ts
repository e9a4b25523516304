/** Meta wants the two-letter code of a state or territory of the US: ANSI's and the post's, by name without white space. */
const CODES =
  'alabama al, alaska ak, arizona az, arkansas ar, california ca, colorado co, connecticut ct, delaware de, districtofcolumbia dc, florida fl, georgia ga, hawaii hi, ' +
  'idaho id, illinois il, indiana in, iowa ia, kansas ks, kentucky ky, louisiana la, maine me, maryland md, massachusetts ma, michigan mi, minnesota mn, mississippi ms, ' +
  'missouri mo, montana mt, nebraska ne, nevada nv, newhampshire nh, newjersey nj, newmexico nm, newyork ny, northcarolina nc, northdakota nd, ohio oh, oklahoma ok, ' +
  'oregon or, pennsylvania pa, rhodeisland ri, southcarolina sc, southdakota sd, tennessee tn, texas tx, utah ut, vermont vt, virginia va, washington wa, ' +
  'westvirginia wv, wisconsin wi, wyoming wy, americansamoa as, guam gu, northernmarianaislands mp, puertorico pr, usvirginislands vi';

const BY_NAME = new Map(CODES.split(', ').map((one) => one.split(' ') as [string, string]));
const ISO_3166_2 = /^us([a-z]{2})$/;

/** The code of a state, given as `CA`, `US-CA` or `California`, in letters of lower case only; undefined when it is none. */
export function usStateCode(letters: string): string | undefined {
  if (letters.length === 2) return letters;
  return BY_NAME.get(letters) ?? ISO_3166_2.exec(letters)?.[1];
}
