import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { S3StoreOptions } from '../../src/storage/s3-client.ts';
import { openS3Store } from '../../src/storage/s3-store.ts';
import { objectStoreContract } from './contract.ts';
import { startVersitygw } from './versitygw.ts';

objectStoreContract('S3 store on versitygw', async () => {
  const server = await startVersitygw();
  const Bucket = 'holdfast-contract';
  const options: S3StoreOptions = {
    name: 'local',
    endpoint: server.endpoint,
    region: server.region,
    bucket: Bucket,
    forcePathStyle: true,
    credentialsFile: server.credentialsFile,
    jurisdiction: 'local',
    pageSize: 3,
  };
  const store = await openS3Store(options);
  await store.ensureBucket();
  const outsider = new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    credentials: server,
  });
  return {
    store,
    async plantDeleteMarker(Key) {
      await outsider.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    async plantVersion(Key, Body) {
      const { VersionId } = await outsider.send(new PutObjectCommand({ Bucket, Key, Body }));
      if (VersionId === undefined) throw new Error('planted without a version id');
      return VersionId;
    },
    async open(condition) {
      const bucket = condition.replaceAll('_', '-');
      if (condition === 'bucket_without_lock') {
        await outsider.send(new CreateBucketCommand({ Bucket: bucket }));
        await outsider.send(
          new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
        );
      }
      return openS3Store({ ...options, bucket });
    },
    async stop() {
      store.close();
      outsider.destroy();
      await server.stop();
    },
  };
});
