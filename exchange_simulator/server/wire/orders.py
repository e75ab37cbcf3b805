"""Order answers (rest-api.md, "Trading endpoints")."""

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.numbers import to_text
from exchange_simulator.engine.orders import STOPS, Fill, Order, OrderList, OrderResult, ReplaceFailure, ReplaceResult

Json = dict[str, object]


def placed(result: OrderResult, detail: str) -> Json:
    """POST /order: ACK, RESULT or FULL."""
    order = result.order
    answer: Json = {**_identity(order), "transactTime": order.update_us // 1_000}
    if detail == "ACK":
        return answer
    answer |= _state(order) | _conditional(order)
    if detail == "FULL":
        answer["fills"] = [_fill(fill) for fill in result.fills]
    return answer


def canceled(order: Order) -> Json:
    """DELETE /order."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.cancel_id,
        "transactTime": order.update_us // 1_000,
        **_state(order, working=False),
        **_conditional(order),
    }


def order(one: Order) -> Json:
    """GET /order and the rows of /openOrders and /allOrders."""
    return {
        **_identity(one),
        **_amounts(one),
        "stopPrice": to_text(one.stop_price),
        "icebergQty": to_text(one.iceberg_quantity),
        "time": one.time_us // 1_000,
        "updateTime": one.update_us // 1_000,
        "isWorking": one.is_working,
        "workingTime": one.working_us // 1_000 if one.is_working else -1,
        "origQuoteOrderQty": to_text(one.quote_quantity),
        "selfTradePreventionMode": one.stp_mode.value,
        **_conditional(one, stop=False),
    }


def my_trade(fill: Fill) -> Json:
    """A row of GET /myTrades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": fill.list_id,
        "price": to_text(fill.price),
        "qty": to_text(fill.quantity),
        "quoteQty": to_text(fill.quote),
        "commission": to_text(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time_us // 1_000,
        "isBuyer": fill.side.value == "BUY",
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def canceled_or_list(one: Order | OrderList) -> Json:
    """A row of DELETE /openOrders: an order, or a whole order list."""
    return canceled(one) if isinstance(one, Order) else canceled_list(one)


def order_list(one: OrderList) -> Json:
    """GET /orderList and the rows of /allOrderList and /openOrderList."""
    return {
        "orderListId": one.list_id,
        "contingencyType": one.contingency.value,
        "listStatusType": one.status_type.value,
        "listOrderStatus": one.order_status.value,
        "listClientOrderId": one.client_id,
        "transactionTime": one.time_us // 1_000,
        "symbol": one.symbol,
        "orders": [_member(leg) for leg in one.orders],
    }


def placed_list(one: OrderList, detail: str = "RESULT") -> Json:
    """POST /orderList/oco, its reports in the detail that was asked for."""
    reports = [placed(OrderResult(leg, []), detail) for leg in one.orders]
    return {**order_list(one), "orderReports": reports}


def canceled_list(one: OrderList) -> Json:
    """DELETE /orderList."""
    return {**order_list(one), "orderReports": [canceled(leg) for leg in one.orders]}


def replaced(done: ReplaceResult, detail: str) -> Json:
    """POST /order/cancelReplace, both halves done."""
    return {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": canceled(done.canceled),
        "newOrderResponse": placed(done.placed, detail),
    }


def replace_failure(failure: ReplaceFailure) -> Json:
    """The `data` of -2021 and -2022: which half of a cancelReplace failed, and why."""
    new = failure.placed
    return {
        "cancelResult": "SUCCESS" if isinstance(failure.canceled, Order) else "FAILURE",
        "newOrderResult": "NOT_ATTEMPTED" if new is None else "SUCCESS" if isinstance(new, OrderResult) else "FAILURE",
        "cancelResponse": canceled(failure.canceled) if isinstance(failure.canceled, Order) else _why(failure.canceled),
        "newOrderResponse": placed(new, "FULL") if isinstance(new, OrderResult) else _why(new),
    }


def _why(reason: Exception | None) -> Json | None:
    return {"code": reason.code, "msg": reason.message} if isinstance(reason, ApiError) else None


def _identity(one: Order) -> Json:
    return {
        "symbol": one.symbol,
        "orderId": one.order_id,
        "orderListId": one.list_id,
        "clientOrderId": one.client_id,
    }


def _member(one: Order) -> Json:
    return {"symbol": one.symbol, "orderId": one.order_id, "clientOrderId": one.client_id}


def _amounts(one: Order) -> Json:
    return {
        "price": to_text(one.price),
        "origQty": to_text(one.quantity),
        "executedQty": to_text(one.executed),
        "cummulativeQuoteQty": to_text(one.executed_quote),
        "status": one.status.value,
        "timeInForce": one.time_in_force.value,
        "type": one.type.value,
        "side": one.side.value,
    }


def _state(one: Order, *, working: bool = True) -> Json:
    state: Json = {**_amounts(one), "origQuoteOrderQty": to_text(one.quote_quantity)}
    if working and one.is_working:
        state["workingTime"] = one.working_us // 1_000
    state["selfTradePreventionMode"] = one.stp_mode.value
    return state


def _conditional(one: Order, *, stop: bool = True) -> Json:
    """Fields that appear only on orders that have them ("Conditional fields in Order Responses")."""
    fields: Json = {}
    if stop and one.type in STOPS and one.stop_price:
        fields["stopPrice"] = to_text(one.stop_price)
    if stop and one.iceberg_quantity:
        fields["icebergQty"] = to_text(one.iceberg_quantity)
    if one.trailing_delta:
        fields["trailingDelta"] = one.trailing_delta
        fields["trailingTime"] = one.trail_since_us // 1_000 if one.trail_since_us >= 0 else -1
    if one.strategy_id is not None:
        fields["strategyId"] = one.strategy_id
    if one.strategy_type is not None:
        fields["strategyType"] = one.strategy_type
    if one.prevented:
        fields["preventedQuantity"] = to_text(one.prevented)
    return fields


def _fill(fill: Fill) -> Json:
    return {
        "price": to_text(fill.price),
        "qty": to_text(fill.quantity),
        "commission": to_text(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }
