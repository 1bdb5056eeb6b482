// Owns the names under which the schemas of the contract are described, and their form as JSON Schema. It runs when the
// project is built; nothing of it is in the worker.

import { toJsonSchema, toJsonSchemaDefs, type JsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { AcceleratorReadingSchema, AcceleratorSchema } from '../../contract/accelerator.ts';
import { ActionRequestSchema, ActionSchema, ChatOutputSchema } from '../../contract/actions.ts';
import { AuditSchema } from '../../contract/audit.ts';
import {
  BudgetRefusalSchema,
  CommandAcceptedSchema,
  CommandErrorSchema,
  CommandSchema,
  JobSchema,
  JobsSchema,
  JobStateSchema,
} from '../../contract/command.ts';
import { GridCellSchema, GridSchema, GridTotalsSchema } from '../../contract/grid.ts';
import { NodeIdSchema, RuntimeIdSchema } from '../../contract/ids.ts';
import {
  CommandProgressSchema,
  EnrollResponseSchema,
  HealthResponseSchema,
  JoinTokenResponseSchema,
  TokenRotateResponseSchema,
} from '../../contract/node-api.ts';
import { ProblemSchema } from '../../contract/problem.ts';
import {
  MatrixItemSchema,
  MatrixSchema,
  NodesSchema,
  SupervisorRecordSchema,
  SupervisorSchema,
} from '../../contract/read-models.ts';
import {
  ModelSchema,
  RestartBudgetSchema,
  RuntimeDescriptorSchema,
  RuntimeHealthSchema,
  RuntimeRecordSchema,
  RuntimeStatusSchema,
} from '../../contract/runtime-record.ts';
import { Line, Timestamp } from '../../contract/scalars.ts';
import {
  HostSchema,
  HttpTelemetrySchema,
  NodeStatusSchema,
  RuntimeRollupSchema,
  SnapshotSchema,
} from '../../contract/snapshot.ts';
import { SessionSchema } from '../../contract/session.ts';
import { RuntimeStateSchema, SeveritySchema } from '../../contract/words.ts';

/** What is used in several places, or is worth a name, is described once. */
export const COMPONENTS: Readonly<Record<string, v.GenericSchema>> = {
  Problem: ProblemSchema,
  RuntimeMatrix: MatrixSchema,
  MatrixItem: MatrixItemSchema,
  RuntimeSupervisor: SupervisorSchema,
  SupervisorRecord: SupervisorRecordSchema,
  RuntimeGrid: GridSchema,
  GridCell: GridCellSchema,
  GridTotals: GridTotalsSchema,
  Nodes: NodesSchema,
  Snapshot: SnapshotSchema,
  NodeStatus: NodeStatusSchema,
  RuntimeRecord: RuntimeRecordSchema,
  RuntimeDescriptor: RuntimeDescriptorSchema,
  RuntimeStatus: RuntimeStatusSchema,
  RuntimeHealth: RuntimeHealthSchema,
  RuntimeRollup: RuntimeRollupSchema,
  RestartBudget: RestartBudgetSchema,
  Model: ModelSchema,
  AcceleratorReading: AcceleratorReadingSchema,
  HttpTelemetry: HttpTelemetrySchema,
  Host: HostSchema,
  CommandAccepted: CommandAcceptedSchema,
  BudgetRefusal: BudgetRefusalSchema,
  CommandError: CommandErrorSchema,
  Job: JobSchema,
  Jobs: JobsSchema,
  Audit: AuditSchema,
  ActionRequest: ActionRequestSchema,
  Action: ActionSchema,
  ChatOutput: ChatOutputSchema,
  Session: SessionSchema,
  JoinToken: JoinTokenResponseSchema,
  Enrolment: EnrollResponseSchema,
  TokenRotation: TokenRotateResponseSchema,
  HealthAnswer: HealthResponseSchema,
  Command: CommandSchema,
  CommandProgress: CommandProgressSchema,
  NodeId: NodeIdSchema,
  RuntimeId: RuntimeIdSchema,
  RuntimeState: RuntimeStateSchema,
  JobState: JobStateSchema,
  Severity: SeveritySchema,
  Accelerator: AcceleratorSchema,
  Timestamp,
  Line,
};

type Draft = 'draft-2020-12' | 'draft-07';

function options(target: Draft) {
  return {
    target,
    // What is described is what is sent: texts in a query, before they become numbers.
    typeMode: 'input',
    // An action that JSON Schema does not know stops the build, so that nothing is left out unseen.
    errorMode: 'throw',
    overrideAction: ({ valibotAction, jsonSchema }) => {
      // Of a rule in code only its words can be told; of a pattern they are easier to read.
      if (!['check', 'regex', 'finite'].includes(valibotAction.type)) return undefined;
      const requirement = 'requirement' in valibotAction ? valibotAction.requirement : undefined;
      const message = 'message' in valibotAction ? valibotAction.message : undefined;
      const pattern = requirement instanceof RegExp ? { pattern: requirement.source } : {};
      const isRule = typeof message === 'string' && message.startsWith('must ');
      return { ...jsonSchema, ...pattern, ...(isRule && { description: message }) };
    },
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  } satisfies Parameters<typeof toJsonSchema>[1];
}

export function componentSchemas(target: Draft): Record<string, JsonSchema> {
  return toJsonSchemaDefs(COMPONENTS, options(target));
}

/** A reference where the schema has a name. */
export function jsonSchemaOf(schema: v.GenericSchema, target: Draft = 'draft-2020-12'): JsonSchema {
  const name = Object.entries(COMPONENTS).find(([, known]) => known === schema)?.[0];
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  const {
    $schema: _dialect,
    $defs: _modern,
    definitions: _old,
    ...described
  } = toJsonSchema(schema, {
    ...options(target),
    definitions: COMPONENTS,
  });
  return described;
}
