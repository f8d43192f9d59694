/**
 * Puts the configured prefix before every table name, and the schema before that, so that our
 * tables live beside a host's own.
 */
import {
  IdentifierNode,
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type RootOperationNode,
  type SchemableIdentifierNode,
  type UnknownRow,
} from 'kysely';

class PrefixTransformer extends OperationNodeTransformer {
  readonly #prefix: string;
  readonly #schema: string | null;

  constructor(prefix: string, schema: string | null) {
    super();
    this.#prefix = prefix;
    this.#schema = schema;
  }

  protected override transformSchemableIdentifier(
    node: SchemableIdentifierNode,
  ): SchemableIdentifierNode {
    const plain = super.transformSchemableIdentifier(node);
    const prefixed = {
      ...plain,
      identifier: IdentifierNode.create(this.#prefix + plain.identifier.name),
    };
    return this.#schema === null
      ? prefixed
      : { ...prefixed, schema: IdentifierNode.create(this.#schema) };
  }
}

export function tablePrefix(prefix: string, schema: string | null): KyselyPlugin {
  const transformer = new PrefixTransformer(prefix, schema);
  return {
    transformQuery: (args: PluginTransformQueryArgs): RootOperationNode =>
      transformer.transformNode(args.node),
    transformResult: async (args: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> =>
      args.result,
  };
}
