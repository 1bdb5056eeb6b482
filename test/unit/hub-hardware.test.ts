// What a runtime runs on, from names as vendors and tools tell them.

import { describe, expect, test } from 'vitest';
import { acceleratorLabel, type Accelerator, type AcceleratorReading } from '../../contract/accelerator.ts';
import { deviceFamily, hardwareOf, kindOf } from '../../contract/hardware.ts';

function reading(
  accelerator: Accelerator,
  name: string,
  kind: AcceleratorReading['kind'] = 'gpu',
): AcceleratorReading {
  return { id: name, kind, accelerator, label: acceleratorLabel(accelerator), name, state: 'ready' };
}

describe('the family of a device', () => {
  test.each([
    // NVIDIA, as nvidia-smi names them.
    ['NVIDIA H100 80GB HBM3', 'H100 80GB'],
    ['NVIDIA H100 PCIe', 'H100'],
    ['NVIDIA H100 NVL', 'H100 NVL'],
    ['NVIDIA H200', 'H200'],
    ['NVIDIA B200', 'B200'],
    ['NVIDIA GB10', 'GB10'],
    ['NVIDIA GH200 480GB', 'GH200 480GB'],
    ['NVIDIA A100-SXM4-80GB', 'A100 80GB'],
    ['NVIDIA A100 80GB PCIe', 'A100 80GB'],
    ['A100-SXM4-40GB', 'A100 40GB'],
    ['NVIDIA A10G', 'A10G'],
    ['NVIDIA L40S', 'L40S'],
    ['Tesla T4', 'T4'],
    ['Tesla V100-SXM2-32GB', 'V100 32GB'],
    ['NVIDIA GeForce RTX 4090', 'RTX 4090'],
    ['NVIDIA GeForce RTX 4090 Laptop GPU', 'RTX 4090 Laptop'],
    ['NVIDIA GeForce RTX 4070 Ti SUPER', 'RTX 4070 Ti SUPER'],
    ['NVIDIA GeForce GTX 1650 with Max-Q Design', 'GTX 1650 Max-Q'],
    ['NVIDIA RTX A6000', 'RTX A6000'],
    ['NVIDIA RTX 6000 Ada Generation', 'RTX 6000 Ada'],
    ['Quadro RTX 6000', 'Quadro RTX 6000'],
    ['NVIDIA TITAN RTX', 'TITAN RTX'],
    ['GRID A100-10C', 'A100-10C'],
    ['AD102 [GeForce RTX 4090]', 'RTX 4090'],
    // AMD, as the kernel and lspci name them.
    ['AMD Instinct MI300X', 'MI300X'],
    ['AMD Instinct MI300X OAM', 'MI300X'],
    ['AMD INSTINCT MI250X (MCM) OAM AC MBA', 'MI250X'],
    ['Radeon RX 7900 XTX', 'RX 7900 XTX'],
    ['AMD Radeon RX 7900 XTX', 'RX 7900 XTX'],
    ['Navi 31 [Radeon RX 7900 XT/7900 XTX/7900M]', 'RX 7900 XT/7900 XTX/7900M'],
    ['AMD Radeon PRO W7900', 'Radeon PRO W7900'],
    ['AMD Radeon(TM) 780M Graphics', 'Radeon 780M'],
    ['Radeon VII', 'Radeon VII'],
    // Apple, Intel.
    ['Apple M2 Ultra', 'M2 Ultra'],
    ['Apple M4', 'M4'],
    ['Intel(R) Arc(TM) A770 Graphics', 'Arc A770'],
    ['DG2 [Arc A770]', 'Arc A770'],
    ['Intel(R) UHD Graphics 770', 'UHD 770'],
    // CPUs and NPUs.
    ['AMD EPYC 7763 64-Core Processor', 'EPYC 7763'],
    ['AMD Ryzen 9 7950X 16-Core Processor', 'Ryzen 9 7950X'],
    ['AMD Ryzen AI Max+ 395 w/ Radeon 8060S', 'Ryzen AI Max+ 395'],
    ['Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz', 'Xeon Gold 6338'],
    ['13th Gen Intel(R) Core(TM) i9-13900K', 'Core i9-13900K'],
    ['Neoverse-N1', 'Neoverse-N1'],
    ['Intel NPU', 'Intel'],
    ['AMD NPU', 'AMD'],
  ])('%s is %s', (name, family) => {
    expect(deviceFamily(name)).toBe(family);
  });

  test.each([
    'AMD GPU',
    'NVIDIA Graphics Device',
    'AMD Radeon Graphics',
    'Intel(R) Xeon(R) Processor @ 2.80GHz',
    'NPU',
    'Advanced Micro Devices, Inc.',
    '[]',
    ' ',
    'x'.repeat(60),
  ])('is not known from %j', (name) => {
    expect(deviceFamily(name)).toBeUndefined();
  });
});

describe('the hardware of a runtime', () => {
  const h100 = reading('gpu_cuda', 'NVIDIA H100 80GB HBM3');
  const l4 = reading('gpu_cuda', 'NVIDIA L4');
  const cpu = reading('cpu', 'AMD EPYC 7763 64-Core Processor', 'cpu');

  test.each<[string, Accelerator | undefined, AcceleratorReading[], string]>([
    ['names its card', 'gpu_cuda', [cpu, h100], 'GPU (CUDA) · H100 80GB'],
    ['names equal cards once', 'gpu_cuda', [h100, { ...h100, id: 'other' }], 'GPU (CUDA) · H100 80GB'],
    ['names all cards that it may use', 'gpu_cuda', [l4, h100], 'GPU (CUDA) · H100 80GB + L4'],
    [
      'counts cards beyond three',
      'gpu_cuda',
      ['A', 'B', 'C', 'D', 'E'].map((letter) => reading('gpu_cuda', `NVIDIA ${letter}100`)),
      'GPU (CUDA) · A100 + B100 + C100 + 2 more',
    ],
    ['is its kind where a card has no name', 'gpu_cuda', [h100, reading('gpu_cuda', 'GPU')], 'GPU (CUDA)'],
    ['is its kind where no card is read', 'gpu_rocm', [cpu, h100], 'GPU (ROCm)'],
    ['is any GPU for Vulkan', 'gpu_vulkan', [cpu, l4], 'GPU (Vulkan) · L4'],
    ['is the processor', 'cpu', [cpu, h100], 'CPU · EPYC 7763'],
    ['is the chip', 'gpu_metal', [reading('gpu_metal', 'Apple M2 Ultra')], 'GPU (Metal) · M2 Ultra'],
    ['is unspecified where the runtime names none', undefined, [cpu, h100], 'Unspecified'],
  ])('%s', (_what, accelerator, readings, hardware) => {
    expect(hardwareOf(accelerator, readings)).toBe(hardware);
    expect(kindOf(hardware)).toBe(acceleratorLabel(accelerator));
  });

  test('does not depend on the order of the cards', () => {
    expect(hardwareOf('gpu_cuda', [h100, l4])).toBe(hardwareOf('gpu_cuda', [l4, h100]));
  });

  test('stays when a card falls off the bus', () => {
    const silent = { ...h100, state: 'degraded' as const, detail: ['nvidia-smi has not answered for 20 s'] };
    expect(hardwareOf('gpu_cuda', [silent])).toBe('GPU (CUDA) · H100 80GB');
  });
});
