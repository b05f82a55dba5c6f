import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Rejection } from '../ports.js';

/** A refusal of one event of a request, as the caller is told. */
export interface ItemError {
  /** 0-based place in the request. */
  readonly index: number;
  readonly reason: Rejection['reason'];
  readonly field: string;
  readonly rule: string;
}

export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly ItemError[];
}

/** The first field that a schema found fault with, and the rule that it breaks. */
export function badField(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim();
}

/** Answers with a problem document (RFC 9457). */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', ...problem }));
}
