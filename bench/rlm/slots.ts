import type { Random } from './random.js';

const firstNames =
  'Amara Bilal Chen Dora Emil Farah Goran Hana Igor Jamila Kofi Lena Mateo Nadia Omar Priya Quentin Rosa Stefan Tala Uma Viktor Wanda Xavier Yara Zoltan Anouk Bruno Clara Dmitri Elif Fabio Greta Hassan Ines Jonas'.split(
    ' ',
  );
const lastNames =
  'Adeyemi Bauer Castillo Dubois Eriksen Ferrari Gupta Haddad Ivanov Jensen Kaya Lindqvist Moreau Nakamura Okafor Petrov Quist Rossi Santos Tanaka Ueda Vargas Weber Xu Yilmaz Zimmer Abara Brandt Cohen Diallo Egger Fontaine'.split(
    ' ',
  );
const products =
  'kettle desk lamp backpack monitor keyboard headset tripod stroller blender router printer jacket tent scooter thermostat camera drill mattress bicycle telescope speaker notebook humidifier chainsaw guitar rowing-machine skillet'.split(
    ' ',
  );
const cities =
  'Lisbon Oslo Nairobi Lima Osaka Porto Tallinn Quito Dakar Hanoi Bergen Cork Turin Graz Leeds Malmo Split Vigo Zadar Bilbao Ghent Lodz Ostrava Pecs Varna Kaunas Tartu Trieste Utrecht Aarhus'.split(
    ' ',
  );
const modules =
  'billing search auth export import scheduler notifier ledger catalog checkout reporting sync gateway cache indexer renderer parser uploader quota webhook audit pricing inventory session profile migration feed digest locale consent'.split(
    ' ',
  );
const nouns =
  'latency schema index retention timeout margin coverage backlog header footer token cookie payload batch replica cursor offset checksum invoice refund voucher shipment contract clause budget forecast churn cohort funnel survey outlier regression baseline gradient sample variance threshold valve pump sensor firmware battery antenna lens hinge seal'.split(
    ' ',
  );
const verbs =
  'trims doubles hides blocks delays corrupts reorders skips rounds merges splits shadows leaks caches drops inflates masks truncates escapes locks'.split(
    ' ',
  );
const adjectives =
  'stale narrow brittle verbose seasonal partial nightly regional optional legacy duplicate manual quarterly hidden tentative nested sparse noisy strict lenient'.split(
    ' ',
  );
const circumstances =
  'when two regions write at once|on the first day of a month|only for accounts older than a year|if the locale uses a comma|after a cold start|while a backup is being taken|for orders with more than one parcel|whenever the clock shifts|in the mobile client alone|as soon as the disk is half full|for guests without a profile|before the second page is fetched|on machines with little memory|if the name has an accent|when the queue was drained by hand|during the weekly import'.split(
    '|',
  );
const actions =
  'bisect the last nine commits|ask the vendor for the signed sheet|compare both exports line by line|draw the curve on a log scale|write a probe for it|move the rule into the gateway|split the table by year|pin the older library|drop the unused column|call the customer back after lunch|measure it on the slow machine|rewrite the query without the join|take the median instead of the mean|put a flag around it|read the contract again|interview two of the users'.split(
    '|',
  );
const folders = 'src lib app core tools jobs api web infra docs etl ml ops'.split(' ');
const endings = 'ts py go sql md yaml tsx rs java csv'.split(' ');

/** What a session knows, and what grows as it goes: numbers that are never given twice. */
export class World {
  #counter: number;

  constructor(readonly random: Random) {
    this.#counter = random.whole(1_000, 9_000);
  }

  /** A number that was not there before. */
  fresh(): number {
    this.#counter += this.random.whole(1, 7);
    return this.#counter;
  }

  /** Fills `{slot}` in a template. */
  fill(template: string): string {
    return template.replace(/\{(\w+)\}/g, (_, slot: string) => this.slot(slot));
  }

  slot(name: string): string {
    const { random } = this;
    const make = makers[name];
    if (make === undefined) throw new RangeError(`there is no slot ${name}`);
    return make(random, this);
  }
}

type Maker = (random: Random, world: World) => string;

const makers: Record<string, Maker> = {
  person: (r) => `${r.pick(firstNames)} ${r.pick(lastNames)}`,
  first: (r) => r.pick(firstNames),
  product: (r) => r.pick(products),
  city: (r) => r.pick(cities),
  module: (r) => r.pick(modules),
  noun: (r) => r.pick(nouns),
  adjective: (r) => r.pick(adjectives),
  verb: (r) => r.pick(verbs),
  circumstance: (r) => r.pick(circumstances),
  action: (r) => r.pick(actions),
  finding: (r) =>
    `the ${r.pick(adjectives)} ${r.pick(nouns)} of the ${r.pick(modules)} ${r.pick(verbs)} the ${r.pick(nouns)} ${r.pick(circumstances)}`,
  file: (r) => `${r.pick(folders)}/${r.pick(modules)}/${r.pick(nouns)}_${r.pick(nouns)}.${r.pick(endings)}`,
  ticket: (_, w) => `${w.random.pick(['INC', 'REQ', 'BUG', 'OPS'])}-${w.fresh()}`,
  order: (_, w) => `#${w.fresh()}`,
  number: (r) => String(r.whole(2, 980)),
  small: (r) => String(r.whole(2, 12)),
  amount: (r) => `${r.whole(3, 4_000)}.${String(r.whole(0, 99)).padStart(2, '0')} EUR`,
  percent: (r) => `${r.whole(1, 99)}%`,
  date: (r) => `2026-${String(r.whole(1, 12)).padStart(2, '0')}-${String(r.whole(1, 28)).padStart(2, '0')}`,
  time: (r) => `${String(r.whole(0, 23)).padStart(2, '0')}:${String(r.whole(0, 59)).padStart(2, '0')}`,
  hex: (r) => r.whole(0x1000000, 0xfffffff).toString(16),
  line: (r) => String(r.whole(1, 900)),
  version: (r) => `${r.whole(0, 9)}.${r.whole(0, 40)}.${r.whole(0, 20)}`,
};
