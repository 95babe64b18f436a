/**
 * What SQS takes in no attempt, for what a message is. It names a message that is too long only in words.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function isMessageRefusal(code = '', message = ''): boolean {
  // Some have their service before them.
  const name = code.slice(code.lastIndexOf('.') + 1);
  if (name === 'InvalidMessageContents' || name === 'BatchRequestTooLong') return true;
  return name === 'InvalidParameterValue' && message.includes('must be shorter than');
}
