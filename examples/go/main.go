// An app's back end in Go: all types come from the gateway's own schema (go generate).
package main

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -generate types,client,skip-prune -package headrace -o headrace/client.go $HEADRACE/schema

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"headrace/example/headrace"
)

var ctx = context.Background()

func ptr[T any](value T) *T { return &value }

// must ends the program where a request could not be made at all.
func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// told gives what was answered, or ends the program with the words that say what to do.
func told[T any](answer *T, body []byte) T {
	if answer == nil {
		var problem headrace.Problem
		_ = json.Unmarshal(body, &problem)
		log.Fatalf("%d %s: expected %s; %s", problem.Status, problem.Reason, problem.Expected, problem.Remedy)
	}
	return *answer
}

// soon asks until the answer fits: workers and rankers follow within a fraction of a second.
func soon[T any](ask func() T, fits func(T) bool) T {
	for attempt := 0; ; attempt++ {
		if answer := ask(); fits(answer) || attempt == 100 {
			return answer
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func main() {
	api := must(headrace.NewClientWithResponses(os.Getenv("HEADRACE")))

	// 1. Put an item, then change its price only if nobody else has changed the item meanwhile: its ETag tells.
	put := must(api.PutItemWithResponse(ctx, "tuner", nil, headrace.ItemContent{
		Title: ptr("Clip-on tuner"), Categories: &[]string{"accessories"}, Price: ptr(14.9),
	}))
	fmt.Println("put", told(put.JSON202, put.Body).Title)
	patched := must(api.PatchItemWithResponse(ctx, "tuner", &headrace.PatchItemParams{IfMatch: put.Headers202.ETag},
		headrace.ItemContent{Price: ptr(12.5)}))
	fmt.Println("patched", *told(patched.JSON202, patched.Body).Price)

	// 2. Put items in bulk: a stream of lines, each of which is answered by a line.
	lines := `{"item_id": "ear", "title": "蓝牙耳机 无线降噪", "categories": ["耳机"], "price": 300}
{"item_id": "wire", "title": "有线耳机", "categories": ["耳机"], "price": 30}
{"item_id": "strap", "title": "Leather strap", "categories": ["accessories"], "price": 29}
{"item_id": "broken"
`
	bulk := must(api.PutItemLinesWithBodyWithResponse(ctx, nil, "application/x-ndjson", strings.NewReader(lines)))
	for _, each := range strings.Split(strings.TrimSpace(string(bulk.Body)), "\n") {
		var line headrace.LineAnswer // the last line is the stream's end
		_ = json.Unmarshal([]byte(each), &line)
		fmt.Println("line", line.Status, ptrOr(line.Reason))
	}

	// 3. Send what a user did. An event is one of several kinds; a body has one event or many.
	click := headrace.Click{
		Type: headrace.ClickTypeClick, EventId: fmt.Sprint("go-", time.Now().UnixNano()), Ts: time.Now().UnixMilli(),
		UserId: "ann", ItemId: "tuner", Action: ptr(headrace.ClickActionPurchase),
	}
	var event headrace.Event
	var body headrace.EventOrMany
	must(0, event.FromClick(click))
	must(0, body.FromEventOrMany1([]headrace.Event{event}))
	sent := must(api.SendEventsWithResponse(ctx, nil, body))
	fmt.Println("sent", told(sent.JSON202, sent.Body).Accepted)

	// 4. Read the feed: it follows the click. A number out of range is refused in words.
	feed := soon(func() headrace.Ranked {
		read := must(api.ReadFeedWithResponse(ctx, "ann", &headrace.ReadFeedParams{N: ptr(int64(5))}))
		return told(read.JSON200, read.Body)
	}, func(feed headrace.Ranked) bool { return feed.Cause == click.EventId })
	for _, place := range feed.Items {
		fmt.Println("feed", place.ItemId, place.Reason.Kind)
	}
	cheap := soon(func() headrace.Ranked {
		read := must(api.ReadFeedWithResponse(ctx, "ann", &headrace.ReadFeedParams{
			Categories: &[]string{"耳机"}, PriceTo: ptr(100.0), Impression: ptr(false),
		}))
		return told(read.JSON200, read.Body)
	}, func(feed headrace.Ranked) bool { return len(feed.Items) > 0 })
	for _, place := range cheap.Items {
		fmt.Println("cheap", place.ItemId)
	}
	refused := must(api.ReadFeedWithResponse(ctx, "ann", &headrace.ReadFeedParams{N: ptr(int64(0))}))
	fmt.Println("refused", refused.ApplicationproblemJSON400.Reason, refused.ApplicationproblemJSON400.Remedy)

	// 5. Search, and what is like an item.
	found := soon(func() headrace.SearchResult {
		search := must(api.ReadSearchWithResponse(ctx, &headrace.ReadSearchParams{Q: ptr("藍牙耳機"), Impression: ptr(false)}))
		return told(search.JSON200, search.Body)
	}, func(found headrace.SearchResult) bool { return len(found.Items) > 0 })
	fmt.Println("found 藍牙耳機", found.Items[0].ItemId)
	sorted := soon(func() headrace.SearchResult {
		cheapest := must(api.ReadSearchWithResponse(ctx, &headrace.ReadSearchParams{
			Q: ptr("耳机"), Sort: ptr(headrace.ReadSearchParamsSortPriceAsc), Facets: &[]string{"categories"}, Impression: ptr(false),
		}))
		return told(cheapest.JSON200, cheapest.Body)
	}, func(found headrace.SearchResult) bool { return found.Exact != nil && *found.Exact }) // else what is nearest by meaning
	fmt.Println("cheapest 耳机", sorted.Items[0].ItemId, "of", *sorted.Total)
	for _, value := range (*sorted.Facets)[0].Values {
		fmt.Println("category", value.Value, value.Count)
	}
	similar := must(api.SimilarWithResponse(ctx, "tuner", nil))
	fmt.Println("similar", len(told(similar.JSON200, similar.Body).Items) > 0)
	completed := soon(func() headrace.Completions {
		read := must(api.ReadSuggestionsWithResponse(ctx, &headrace.ReadSuggestionsParams{Q: ptr("蓝")}))
		return told(read.JSON200, read.Body)
	}, func(read headrace.Completions) bool { return len(read.Completions) > 0 })
	for _, each := range completed.Completions {
		fmt.Println("completed", each.Text)
	}

	// 6. Rank candidates of your own: ids, or items with fields that count in this request alone. Sent again under the
	// same Idempotency-Key, it is the same slate. Then ask why.
	var id, given headrace.RankBody_Items_Item
	must(0, id.FromRankBodyItems0("strap"))
	must(0, given.FromGivenItem(headrace.GivenItem{ItemId: "wire", Price: ptr(9.9), Boost: ptr(0.5)}))
	once := &headrace.RankParams{IdempotencyKey: ptr(fmt.Sprint("rank-", time.Now().UnixNano()))}
	asked := headrace.RankBody{
		UserId: ptr("ann"), Items: []headrace.RankBody_Items_Item{id, given}, Impression: ptr(false),
	}
	ranked := must(api.RankWithResponse(ctx, once, asked))
	slate := told(ranked.JSON200, ranked.Body)
	again := must(api.RankWithResponse(ctx, once, asked))
	fmt.Println("again", told(again.JSON200, again.Body).SlateId == slate.SlateId)
	why := must(api.ExplainSlateWithResponse(ctx, slate.SlateId, nil))
	for _, place := range told(why.JSON200, why.Body).Items {
		fmt.Println("ranked", place.ItemId, place.Score, len(place.Contributions), "contributions")
	}

	// 7. All items, a page at a time; and, for operators, the models.
	for cursor := ptr(""); cursor != nil; {
		page := must(api.ListItemsWithResponse(ctx, &headrace.ListItemsParams{N: ptr(int64(2)), Cursor: cursor}))
		for _, each := range told(page.JSON200, page.Body).Items {
			fmt.Println("item", each.ItemId)
		}
		cursor = page.JSON200.Cursor
	}
	models := must(api.ListModelsWithResponse(ctx))
	fmt.Println("models", len(told(models.JSON200, models.Body).Models))
}

func ptrOr(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
