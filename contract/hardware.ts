// Owns what a runtime runs on, in words that are the same on every host with the same device: `GPU (CUDA) · H100 80GB`.
// A name is cleaned, not looked up in a list, so that a card that comes out tomorrow is named too.

import { acceleratorLabel, type Accelerator, type AcceleratorReading } from './accelerator.ts';

/** Between the kind and the device. */
export const HARDWARE_SEPARATOR = ' · ';

/** A longer name is no product name; it would be a cell of its own for whatever a host may write. */
const NAME_MAX_LENGTH = 48;

/** Different cards on one host that are named; more of them say no more. */
const NAMED_MAX = 3;

/** Who made it is told by the kind, or goes without saying; what is left names the device. */
const VENDOR = /^(nvidia|amd|advanced micro devices|intel|apple|ati|qualcomm)\b,?( corporation| inc\.?)?/i;
/** Lines of products whose models have names of their own. Quadro stays: its RTX 6000 is not the RTX 6000. */
const LINE = /^(geforce|tesla|instinct|grid)\b|^radeon(?= rx\b)/i;
/** How a card is mounted and which memory chips it has: the same device for whoever serves models. */
const FORM = /\b(pcie|sxm\d?|oam|mcm|ac|mba|hbm\d\w*|gddr\d\w*|generation|gen)\b/gi;
/** What says only that it is such a device. */
const GENERIC =
  /\b(\d+-core|gpu|cpu|npu|processor|graphics|adapter|controller|device|display|with|design|vga|3d|compatible)\b/gi;
/** A line of products without a model. */
const BARE_LINE = /^(radeon|geforce|quadro|arc|iris|xeon|core|ryzen|rtx|gtx|vega)$/i;

/** Every host says the same names again with each heartbeat. */
const KNOWN = new Map<string, string | undefined>();
const KNOWN_MAX = 1000;

/** What the runtime runs on. @param readings the accelerators of its node. */
export function hardwareOf(
  accelerator: Accelerator | undefined,
  readings: readonly AcceleratorReading[],
): string {
  const kind = acceleratorLabel(accelerator);
  if (accelerator === undefined) return kind;
  const family = familyOf(readings.filter((reading) => isOf(accelerator, reading)));
  return family === undefined ? kind : `${kind}${HARDWARE_SEPARATOR}${family}`;
}

/** The kind of a hardware alone: what stands before its device. */
export function kindOf(hardware: string): string {
  return hardware.split(HARDWARE_SEPARATOR, 1)[0] ?? hardware;
}

/** Undefined where the name names no device. */
export function deviceFamily(name: string): string | undefined {
  // A list of PCI ids says it twice: `Navi 31 [Radeon RX 7900 XTX]`.
  const product = /\[(.+)\]/.exec(name)?.[1] ?? name;
  const isNpu = /\bnpu\b/i.test(product);
  const plain = product
    .replace(/^\d+(st|nd|rd|th) gen /i, '')
    .replace(/\((r|tm|c)\)|[®™©]/gi, ' ')
    .replace(/\(.*?\)|@.*$|\bw\/.*$/g, ' ')
    .replace(/[\s_]+|-(?=sxm|pcie|\d+gb\b)/gi, ' ');
  // An NPU has no model name: who made it is all there is.
  const named = isNpu ? squeezed(plain) : squeezed(plain).replace(VENDOR, '');
  const family = squeezed(squeezed(named).replace(FORM, ' ').replace(GENERIC, ' ').trim().replace(LINE, ''));
  const isNamed = /[a-z0-9]/i.test(family) && family.length <= NAME_MAX_LENGTH && !BARE_LINE.test(family);
  return isNamed ? family : undefined;
}

/**
 * A runtime does not say which of several cards it uses, and may use all: different ones are all named. Where the name of
 * one is not known, none is.
 */
function familyOf(readings: readonly AcceleratorReading[]): string | undefined {
  const families = readings.map(({ name }) => knownFamily(name));
  const known = families.filter((family) => family !== undefined);
  if (known.length === 0 || known.length < families.length) return undefined;
  const named = [...new Set(known)].toSorted((a, b) => (a < b ? -1 : 1));
  const rest = named.length - NAMED_MAX;
  return rest > 0 ? `${named.slice(0, NAMED_MAX).join(' + ')} + ${rest} more` : named.join(' + ');
}

function knownFamily(name: string): string | undefined {
  if (KNOWN.has(name)) return KNOWN.get(name);
  if (KNOWN.size >= KNOWN_MAX) KNOWN.clear();
  const family = deviceFamily(name);
  KNOWN.set(name, family);
  return family;
}

/** Vulkan runs on any GPU, and its cards are read as what their vendor's own interface calls them. */
function isOf(accelerator: Accelerator, reading: AcceleratorReading): boolean {
  if (reading.accelerator === accelerator) return true;
  return accelerator === 'gpu_vulkan' && reading.kind === 'gpu';
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
