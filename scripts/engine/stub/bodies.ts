/**
 * Owns the JSON bodies of the stub's status endpoints, key for key those of llama-server b11669 (captures in
 * test/fixtures/llama-server; a test holds the two together). Pure.
 */
import type { Slot, Task } from './decoder.ts';
import type { StubOptions } from './options.ts';

/** What llama-server calls its build; here it says that this is none. */
export const STUB_BUILD = 'stub';

export function errorBody(code: number, message: string, type: string): unknown {
  return { error: { code, message, type } };
}

/** Sampling parameters as llama-server lists them; the stub samples nothing. */
function generationParams(task: Task | undefined): Record<string, unknown> {
  const maxTokens = task?.request.maxTokens ?? -1;
  return {
    seed: 4294967295,
    temperature: 0.8,
    dynatemp_range: 0,
    dynatemp_exponent: 1,
    top_k: 40,
    top_p: 0.95,
    min_p: 0.05,
    top_n_sigma: -1,
    xtc_probability: 0,
    xtc_threshold: 0.1,
    typical_p: 1,
    repeat_last_n: 64,
    repeat_penalty: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    dry_multiplier: 0,
    dry_base: 1.75,
    dry_allowed_length: 2,
    dry_penalty_last_n: 64,
    mirostat: 0,
    mirostat_tau: 5,
    mirostat_eta: 0.1,
    adaptive_target: -1,
    adaptive_decay: 0.9,
    max_tokens: maxTokens,
    n_predict: maxTokens,
    n_keep: 0,
    n_discard: 0,
    ignore_eos: task?.request.ignoresEnd ?? false,
    stream: task?.request.streams ?? false,
    n_probs: 0,
    min_keep: 0,
    chat_format: 'Content-only',
    reasoning_format: 'none',
    reasoning_in_content: false,
    generation_prompt: '',
    samplers: ['penalties', 'dry', 'top_n_sigma', 'top_k', 'typ_p', 'top_p', 'min_p', 'xtc', 'temperature'],
    'speculative.types': 'none',
    timings_per_token: false,
    post_sampling_probs: false,
    backend_sampling: false,
    lora: [],
  };
}

/** A slot that never worked shows four keys only; afterwards it shows its last task too. */
export function slotBody(slot: Slot, { contextTokens }: StubOptions): unknown {
  const { id } = slot;
  const idle = { id, n_ctx: contextTokens, speculative: false, is_processing: slot.task !== undefined };
  const task = slot.task ?? slot.lastTask;
  if (!task) return idle;
  const isBusy = slot.task !== undefined;
  const { promptTokens, maxTokens } = task.request;
  return {
    ...idle,
    id_task: task.id,
    n_prompt_tokens: promptTokens + task.decodedTokens,
    n_prompt_tokens_processed: isBusy ? promptTokens : 0,
    n_prompt_tokens_cache: 0,
    params: generationParams(task),
    next_token: [
      {
        has_next_token: isBusy,
        has_new_line: false,
        n_remain: isBusy && maxTokens >= 0 ? maxTokens - task.decodedTokens : -1,
        n_decoded: isBusy ? task.decodedTokens : 0,
      },
    ],
  };
}

export function modelsBody({ modelName, contextTokens }: StubOptions, startedAtSec: number): unknown {
  return {
    models: [
      {
        name: modelName,
        model: modelName,
        modified_at: '',
        size: '',
        digest: '',
        type: 'model',
        description: '',
        tags: [''],
        capabilities: ['completion'],
        parameters: '',
        details: {
          parent_model: '',
          format: 'gguf',
          family: '',
          families: [''],
          parameter_size: '',
          quantization_level: '',
        },
      },
    ],
    object: 'list',
    data: [
      {
        id: modelName,
        aliases: [modelName],
        tags: [],
        object: 'model',
        architecture: { input_modalities: ['text'], output_modalities: ['text'] },
        created: startedAtSec,
        owned_by: STUB_BUILD,
        meta: {
          vocab_type: 1,
          n_vocab: 0,
          n_ctx: contextTokens,
          n_ctx_train: contextTokens,
          n_embd: 0,
          n_params: 0,
          size: 0,
          ftype: STUB_BUILD,
        },
      },
    ],
  };
}

export function propsBody(options: StubOptions, isSleeping: boolean): unknown {
  return {
    default_generation_settings: { params: generationParams(undefined), n_ctx: options.contextTokens },
    total_slots: options.slotCount,
    model_alias: options.modelName,
    model_ftype: STUB_BUILD,
    model_path: options.modelPath,
    modalities: { vision: false, video: false, audio: false },
    media_marker: '<__media_stub__>',
    endpoint_slots: options.servesSlots,
    endpoint_props: false,
    endpoint_metrics: options.servesMetrics,
    ui: false,
    ui_settings: {},
    chat_template:
      "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}assistant: ",
    chat_template_caps: {
      supports_object_arguments: false,
      supports_parallel_tool_calls: false,
      supports_preserve_reasoning: false,
      supports_reasoning_effort: false,
      supports_string_content: true,
      supports_system_role: true,
      supports_tool_calls: false,
      supports_tools: false,
      supports_typed_content: false,
    },
    bos_token: '<s>',
    eos_token: '</s>',
    build_info: STUB_BUILD,
    is_sleeping: isSleeping,
    cors_proxy_enabled: false,
  };
}
