import {
  Analysis,
  Answer,
  Elicited,
  ErrorBody,
  PriorChoices,
  PriorClient,
  PriorPrediction,
  PriorTable,
  WorkbenchError
} from '../api/port';
import { AskingModel } from './anymodel';

const PATIENCE_MS = 60_000;

interface Question {
  verb: 'priors' | 'prior_predictive' | 'elicit';
  priors: PriorChoices | undefined;
  name?: string;
  answer?: Answer;
}

interface Reply {
  id: number;
  result?: unknown;
  error?: ErrorBody;
}

interface Waiting {
  resolve: (result: never) => void;
  reject: (reason: WorkbenchError) => void;
}

/** The prior editor's workbench in a kernel: each question is a message, and its answer bears the same number. */
export class CommPriors implements PriorClient {
  private asked = 0;
  private readonly waiting = new Map<number, Waiting>();

  constructor(
    private readonly model: AskingModel,
    private readonly patienceMs = PATIENCE_MS
  ) {
    model.on('msg:custom', this.receive);
  }

  priors({ priors }: Analysis): Promise<PriorTable> {
    return this.ask({ verb: 'priors', priors });
  }

  priorPrediction({ priors }: Analysis): Promise<PriorPrediction> {
    return this.ask({ verb: 'prior_predictive', priors });
  }

  elicit(
    { priors }: Analysis,
    name: string,
    answer: Answer
  ): Promise<Elicited> {
    return this.ask({ verb: 'elicit', priors, name, answer });
  }

  dispose(): void {
    this.model.off('msg:custom', this.receive);
    this.waiting.clear();
  }

  private ask<T>(question: Question): Promise<T> {
    const id = ++this.asked;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(
        () => this.take({ id, error: SILENCE }),
        this.patienceMs
      );
      const done = <A>(then: (argument: A) => void) => {
        return (argument: A) => {
          clearTimeout(timer);
          then(argument);
        };
      };
      this.waiting.set(id, {
        resolve: done(resolve as (result: never) => void),
        reject: done(reject)
      });
      this.model.send({ ...question, priors: question.priors ?? {}, id });
    });
  }

  private readonly receive = (content?: unknown): void =>
    this.take(content as Reply);

  private take({ id, result, error }: Reply): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) {
      waiting?.reject(new WorkbenchError(error));
    } else {
      waiting?.resolve(result as never);
    }
  }
}

const SILENCE: ErrorBody = {
  type: 'Unreachable',
  message: 'The kernel does not answer.',
  where: null,
  remedy: 'Wait until it has finished its work, or start it again.'
};
