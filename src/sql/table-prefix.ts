/**
 * A Kysely plugin that adds the configured prefix and schema to every table name, so that our
 * tables can share a database with the host's own. Index names are left to the migrations.
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
